// Finds elements as a person or a screen reader does: by role and accessible name. Text matches when
// it is equal or, written /like this/i, when the regular expression matches.
const IMPLICIT_ROLES = {
  button: 'button, summary, input[type=submit], input[type=button]',
  link: 'a[href]',
  textbox: 'input:not([type]), input[type=text], input[type=url], input[type=email], input[type=password], input[type=search], textarea',
  checkbox: 'input[type=checkbox]',
  radio: 'input[type=radio]',
  combobox: 'select',
  heading: 'h1, h2, h3, h4, h5, h6',
  row: 'tr',
  article: 'article',
  dialog: 'dialog[open]',
  option: 'option',
};

function isVisible(element) {
  return element.checkVisibility({ visibilityProperty: true, opacityProperty: false }) && !element.closest('[aria-hidden=true], [inert]');
}

function nameOf(element) {
  const references = element.getAttribute('aria-labelledby');
  if (references) return references.split(/\s+/).map((id) => document.getElementById(id)?.textContent ?? '').join(' ').trim();
  const given = element.getAttribute('aria-label');
  if (given) return given.trim();
  if (element.labels?.length) return [...element.labels].map(textOf).join(' ').trim();
  return textOf(element) || element.getAttribute('placeholder') || element.getAttribute('title') || '';
}

function textOf(element) {
  return element.textContent.replace(/\s+/g, ' ').trim();
}

function matches(name, wanted) {
  const expression = wanted.match(/^\/(.*)\/(i?)$/);
  return expression ? new RegExp(expression[1], expression[2]).test(name) : name === wanted;
}

function find(role, name) {
  const implicit = IMPLICIT_ROLES[role];
  const selector = `[role=${role}]${implicit ? `, ${implicit.split(', ').map((it) => `${it}:not([role])`).join(', ')}` : ''}`;
  // Deepest last in document order: an open dialog comes after the page it covers.
  return [...document.querySelectorAll(selector)].filter((it) => isVisible(it) && matches(nameOf(it), name)).at(-1) ?? null;
}

// Answers with the condition's value as soon as it has one, or with null after `limit` milliseconds.
function waitFor(condition, a, b, limit, answer) {
  const observer = new MutationObserver(check);
  const timer = setTimeout(() => finish(null), limit);
  function finish(value) {
    observer.disconnect();
    clearTimeout(timer);
    answer(value);
  }
  function check() {
    const value = condition(a, b);
    if (value) finish(value);
  }
  observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  check();
}
