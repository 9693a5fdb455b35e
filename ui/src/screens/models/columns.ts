import type { Entry } from "$lib/features/model/catalogue";
import { featureText, modalityText, modeText } from "$lib/features/model/words";
import { catalogueDate, count, moneyFromChart, rate, roundTokens } from "$lib/format";
import { m } from "$lib/i18n";
import type { Column } from "$lib/ui/table";

/** What stands where nothing is known. */
export const unknown = "–";

/** The abilities that most choices turn on, in short. */
export function abilitiesText({ model }: Entry): string {
  const wanted = ["tools", "structured_output", "reasoning", "prompt_caching", "web_search"] as const;
  const features = wanted.filter((feature) => model.features.includes(feature)).map(featureText);
  const inputs = model.input.filter((modality) => modality !== "text").map(modalityText);
  return [...features, ...inputs].join(", ");
}

/** A price per million tokens of one side; a dash where it is unknown or not charged by the token. */
function tokenPrice({ model, blended }: Entry, side: "input" | "output"): string {
  if (model.price === null || blended === null) return unknown;
  const isReader = side === "output" && Number(model.price.output) === 0 && Number(model.price.input) > 0;
  return isReader ? unknown : rate(model.price[side]);
}

/** The price at the mix, in words. */
export function blendedText({ blended }: Entry): string {
  if (blended === null) return unknown;
  return blended === 0 ? m.model_price_free() : moneyFromChart(blended);
}

/** The columns of the table; `mix` says how the blended price is made, `kindName` what a kind is called. */
export function modelColumns(mix: string, kindName: (kind: string) => string): readonly Column<Entry>[] {
  const tokens = (value: number | null) => (value === null ? unknown : roundTokens(value));
  // biome-ignore format: one line per column
  return [
    { id: "name", title: m.models_column_name(), width: 190, grows: true, isSortable: true, text: ({ model }) => model.name },
    { id: "kind", title: m.models_column_kind(), width: 112, priority: 2, isSortable: true, text: ({ model }) => kindName(model.kind) },
    { id: "mode", title: m.models_column_mode(), width: 88, priority: 6, isSortable: true, text: ({ model }) => modeText(model.mode) },
    { id: "context", title: m.models_column_context(), hint: m.models_column_context_hint(), width: 74, priority: 3, isNumeric: true, isSortable: true, text: ({ model }) => tokens(model.context) },
    { id: "max_output", title: m.models_column_output(), hint: m.models_column_output_hint(), width: 78, priority: 9, isNumeric: true, isSortable: true, text: ({ model }) => tokens(model.max_output) },
    { id: "input", title: m.models_column_input_price(), hint: m.models_column_input_price_hint(), width: 80, priority: 4, isNumeric: true, isSortable: true, text: (entry) => tokenPrice(entry, "input") },
    { id: "output", title: m.models_column_output_price(), hint: m.models_column_output_price_hint(), width: 84, priority: 5, isNumeric: true, isSortable: true, text: (entry) => tokenPrice(entry, "output") },
    { id: "blended", title: m.models_column_blended(), hint: m.models_column_blended_hint({ mix }), width: 92, priority: 1, isNumeric: true, isSortable: true, text: blendedText },
    { id: "can", title: m.models_column_can(), width: 150, grows: true, priority: 8, text: abilitiesText },
    { id: "released", title: m.models_column_released(), width: 100, priority: 7, isSortable: true, isTabular: true, text: ({ model }) => (model.released === null ? unknown : catalogueDate(model.released)) },
    { id: "here", title: m.models_column_here(), width: 96, text: ({ model }) => count(model.mine?.models.length ?? 0) },
  ];
}
