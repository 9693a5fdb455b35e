import { render, screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { hostileTexts } from "./hostile";
import Markdown from "./Markdown.svelte";

// Everything the renderer draws, and the code block's own buttons and icons.
const allowedElements =
  "a blockquote br code del div em figcaption figure h4 h5 h6 hr li ol p pre span strong table tbody td th thead tr ul button svg path rect".split(
    " ",
  );
const allowedOnText = new Set([
  "class",
  "href",
  "title",
  "target",
  "rel",
  "draggable",
  "start",
  "role",
  "tabindex",
  "aria-hidden",
]);

async function show(source: string, onlink = vi.fn<(address: string) => void>()) {
  const { container } = render(Markdown, { source, onlink });
  await vi.waitFor(() => expect(container.querySelector(".plain")).toBeNull());
  return container;
}

function faultsOf(container: Element): string[] {
  return [...container.querySelectorAll("*")].flatMap((element) => {
    const name = element.tagName.toLowerCase();
    const faults = allowedElements.includes(name) ? [] : [`element ${name}`];
    // The code block's chrome is ours; what the model wrote stands outside it.
    if (element.closest("figcaption, pre"))
      return faults.concat(element.querySelector("img, script") ? ["in code"] : []);
    const attributes = [...element.attributes].map((attribute) => attribute.name);
    const bad = attributes.filter((attribute) => !allowedOnText.has(attribute));
    const address = element.getAttribute("href");
    const isSafe = address === null || /^(https?:\/\/[^@]*$|mailto:)/.test(address);
    return [
      ...faults,
      ...bad.map((attribute) => `${name} ${attribute}`),
      ...(isSafe ? [] : [`href ${address}`]),
    ];
  });
}

describe("a hostile answer", () => {
  it.each(hostileTexts)("draws only allowed elements and addresses: %s", async (text) => {
    const container = await show(text);
    expect(faultsOf(container)).toEqual([]);
    expect(container.textContent?.length).toBeGreaterThan(0);
  });

  it("shows raw HTML as the text it is", async () => {
    const container = await show("before <img src=x onerror=alert(1)> after");
    expect(container.textContent).toBe("before <img src=x onerror=alert(1)> after");
  });

  it("names an image and does not load it", async () => {
    const container = await show("![a cat](https://cats.example/cat.png)");
    expect(container.querySelector("img")).toBeNull();
    expect(screen.getByRole("link").textContent).toBe("Image, not loaded: a cat");
  });

  it("opens nothing by itself when a link is followed", async () => {
    const onlink = vi.fn<(address: string) => void>();
    await show("[docs](https://docs.example/a?b=c)", onlink);
    const link = screen.getByRole("link", { name: "docs" });
    const click = new MouseEvent("click", { bubbles: true, cancelable: true });
    link.dispatchEvent(click);
    expect(click.defaultPrevented).toBe(true);
    expect(onlink).toHaveBeenCalledExactlyOnceWith("https://docs.example/a?b=c");
  });
});

describe("an ordinary answer", () => {
  it("keeps the words and the spaces between them", async () => {
    const container = await show(
      "Here is a **short** *and* `plain` answer, see [it](https://a.example) now.",
    );
    expect(container.textContent).toBe("Here is a short and plain answer, see it now.");
  });

  it("draws lists, tables, quotes and headings below those of the screen", async () => {
    const container = await show(
      "# Title\n\n1. one\n2. two\n\n- [x] done\n\n> quoted\n\n| a | b |\n|:-|-:|\n| 1 | 2<br>3 |\n",
    );
    expect(container.querySelector("h4")?.textContent).toBe("Title");
    expect(container.querySelectorAll("ol > li")).toHaveLength(2);
    expect(container.querySelector("li.task")?.textContent).toContain("done");
    expect(container.querySelector("blockquote")?.textContent).toBe("quoted");
    expect(container.querySelectorAll("td")[1]?.querySelector("br")).not.toBeNull();
  });

  it("resolves character references as text", async () => {
    const container = await show("1 &lt; 2 &amp;&amp; &#x41; &mdash; &unknown;");
    expect(container.textContent).toBe("1 < 2 && A — &unknown;");
  });

  it("grows without drawing finished blocks again", async () => {
    const { container, rerender } = render(Markdown, { source: "first\n\nsec", onlink: () => {} });
    await vi.waitFor(() => expect(container.querySelectorAll("p")).toHaveLength(2));
    const first = container.querySelector("p")?.firstChild;
    await rerender({ source: "first\n\nsecond\n\n```js\nlet a" });
    expect(container.querySelector("p")?.firstChild).toBe(first);
    expect(container.querySelector("pre")?.textContent).toBe("let a");
  });

  it("copies a code block without its frame", async () => {
    const { FakeHost } = await import("../../../../tests/fake-host");
    const host = new FakeHost({});
    await show("```sh\necho hi\n```");
    await userEvent.click(screen.getByRole("button", { name: "Copy code" }));
    expect(host.copied).toEqual([{ text: "echo hi", isPrivate: false }]);
  });
});
