//! The forms that secrets and data of persons have.

use std::sync::LazyLock;

use regex::Regex;

use super::Spot;

/// A form: what is taken out is its first group, or all of it where it has none.
struct Form {
    label: &'static str,
    pattern: LazyLock<Regex>,
    /// How much of what was found it is, in bytes; `None` for nothing of it.
    length: fn(&str) -> Option<usize>,
}

/// What comes first wins where two overlap.
static FORMS: [Form; 9] = [
    form(
        "[redacted: private key]",
        || {
            regex(
                r"(?s)-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY[A-Z ]{0,10}-----.*?(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY[A-Z ]{0,10}-----|\z)",
            )
        },
        all,
    ),
    form("[redacted: token]", || regex(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"), all),
    form(
        "[redacted: key]",
        || {
            regex(
                r"\b(?:(?:sk|mr|pk|rk|gsk|xai|pplx|sk_live|rk_live|sk_test)[-_][A-Za-z0-9_-]{16,}|AIza[A-Za-z0-9_-]{30,}|(?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|glpat-[A-Za-z0-9_-]{16,}|xox[abeoprs]-[A-Za-z0-9-]{10,}|hf_[A-Za-z0-9]{20,}|r8_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{30,}|ya29\.[A-Za-z0-9_-]{20,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,})",
            )
        },
        all,
    ),
    form("[redacted: token]", || regex(r"(?i)\b(?:bearer|basic)\s+([a-z0-9._~+/-]{16,}=*)"), all),
    form(
        "[redacted: secret]",
        || {
            regex(
                r#"(?i)\b(?:api[_-]?key|apikey|access[_-]?key|secret[_-]?key|client[_-]?secret|auth[_-]?token|access[_-]?token|passwd|password|passphrase|pwd)["']?\s*[:=]\s*["']?([^\s"',;\[\]<>]{8,})"#,
            )
        },
        all,
    ),
    form(
        "[redacted: e-mail]",
        || {
            regex(
                r"[A-Za-z0-9_%+-][A-Za-z0-9._%+-]*@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}",
            )
        },
        all,
    ),
    form("[redacted: account]", || regex(r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}"), account),
    form("[redacted: card]", || regex(r"\b[2-6][0-9](?:[ -]?[0-9]){11,17}\b"), card),
    form(
        "[redacted: phone]",
        || {
            regex(
                r"\+[0-9]{1,3}(?:[ ./()-]{0,2}[0-9]){6,13}|\([0-9]{3}\) ?[0-9]{3}-[0-9]{4}\b|\b[0-9]{3}-[0-9]{3}-[0-9]{4}\b|\b0[0-9]{2,4}[ /][0-9]{3,}(?:[ -]?[0-9]{2,}){0,3}\b",
            )
        },
        all,
    ),
];

/// Lengths of account numbers by country, from the SWIFT registry of IBAN formats, release 99 (2024-12).
const ACCOUNTS: &str = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18\
    FK18FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27\
    MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25\
    SV28TL23TN24TR26UA29VA22VG24XK20YE30";

const fn form(label: &'static str, pattern: fn() -> Regex, length: fn(&str) -> Option<usize>) -> Form {
    Form { label, pattern: LazyLock::new(pattern), length }
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a test compiles every form")
}

/// Tells of everything in a text that has one of the forms.
pub(super) fn find(text: &str, add: &mut impl FnMut(Spot)) {
    for form in &FORMS {
        for found in form.pattern.captures_iter(text) {
            let Some(whole) = found.get(1).or_else(|| found.get(0)) else { continue };
            if let Some(length) = (form.length)(whole.as_str()) {
                add(Spot { place: whole.start()..whole.start() + length, label: form.label });
            }
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "one of the forms' checks")]
fn all(text: &str) -> Option<usize> {
    Some(text.len())
}

/// How long the number of a card is that a text begins with, separators included. Its length is one that
/// its network gives, and its check digit is right (ISO/IEC 7812).
fn card(text: &str) -> Option<usize> {
    let digits: Vec<(usize, u32)> =
        text.char_indices().filter_map(|(at, character)| Some((at, character.to_digit(10)?))).collect();
    let first = |count: usize| digits.iter().take(count).fold(0, |number, (_, digit)| number * 10 + digit);
    let lengths: &[usize] = match (first(1), first(2), first(4)) {
        (4, ..) => &[16, 13, 19],
        (3, 34 | 37, _) => &[15],
        (3, 30 | 36 | 38 | 39, _) => &[14, 16],
        (3, 35, _) | (5, 51..=55, _) | (2, _, 2_221..=2_720) => &[16],
        (5 | 6, ..) => &[16, 19, 18, 17, 15, 14, 13],
        _ => return None,
    };
    lengths.iter().find_map(|length| {
        let number = digits.get(..*length)?;
        let end = number.last()?.0 + 1;
        let is_apart = digits.get(*length).is_none_or(|(next, _)| *next > end);
        (is_apart && is_checked(number.iter().map(|(_, digit)| *digit))).then_some(end)
    })
}

/// Luhn's check of the last digit.
fn is_checked(digits: impl DoubleEndedIterator<Item = u32>) -> bool {
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let sums = digits.rev().enumerate().map(|(place, digit)| if place % 2 == 1 { doubled(digit) } else { digit });
    sums.sum::<u32>().is_multiple_of(10)
}

/// How long the account number is that a text begins with, spaces included; `None` when it begins with none,
/// or its check digits are wrong (ISO 13616).
fn account(text: &str) -> Option<usize> {
    let country = text.get(..2)?;
    let at = (0..ACCOUNTS.len()).step_by(4).find(|at| &ACCOUNTS[*at..at + 2] == country)?;
    let length: usize = ACCOUNTS[at + 2..at + 4].parse().ok()?;
    let mut signs = text.char_indices().filter(|(_, character)| *character != ' ');
    let number: Vec<char> = signs.by_ref().take(length).map(|(_, character)| character).collect();
    if number.len() < length {
        return None;
    }
    let end = signs.next().map_or(text.len(), |(next, _)| next);
    let rotated = number[4..].iter().chain(&number[..4]);
    let rest = rotated
        .filter_map(|character| character.to_digit(36))
        .fold(0, |rest, digit| if digit < 10 { (rest * 10 + digit) % 97 } else { (rest * 100 + digit) % 97 });
    (rest == 1).then(|| text[..end].trim_end().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_compiles_and_none_matches_a_label() {
        for form in &FORMS {
            for label in FORMS.iter().map(|form| form.label) {
                assert!(!form.pattern.is_match(label), "{} in {label}", form.label);
            }
        }
    }

    #[test]
    fn check_digits_are_checked() {
        assert_eq!([card("5500-0055-5555-5559"), card("378282246310005")], [Some(19), Some(15)]);
        assert_eq!(card("4111 1111 1111 1111 12"), Some(19), "with the month after it");
        assert_eq!([card("5500-0055-5555-5558"), card("411111111111111112"), card("3782 8224 6310 0051")], [None; 3]);
        assert_eq!(account("GB29 NWBK 6016 1331 9268 19"), Some(27));
        assert_eq!(account("NO9386011117947"), Some(15));
        assert_eq!(account("GB29 NWBK 6016 1331 9268 18"), None);
        assert_eq!(account("XX29NWBK60161331926819"), None);
        assert_eq!(ACCOUNTS.len() % 4, 0);
    }
}
