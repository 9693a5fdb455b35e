/** Sentences whose words can be changed, as pieces in the order of the language. */

export interface Piece<Word extends string> {
  /** Which word it is; null for the text between words. */
  word: Word | null;
  text: string;
}

const mark = "\u0001";

/** A message with its values kept apart, in the order of the language. */
export function pieces<Word extends string>(
  render: (values: Record<Word, string>) => string,
  words: Partial<Record<Word, string>>,
): Piece<Word>[] {
  const marked = Object.fromEntries(Object.keys(words).map((id) => [id, `${mark}${id}${mark}`])) as Record<
    Word,
    string
  >;
  return render(marked)
    .split(mark)
    .map((text, index): Piece<Word> => {
      const word = index % 2 === 1 ? (text as Word) : null;
      return { word, text: word === null ? text : (words[word] ?? "") };
    })
    .filter(({ text, word }) => text !== "" || word !== null);
}

/** A sentence as plain text, its first word in the form for the beginning. */
export function plainSentence(sentence: readonly Piece<string>[]): string {
  const text = sentence.map((piece) => piece.text).join("");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
