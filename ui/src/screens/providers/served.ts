/** What a provider really lists, against the catalogue and against what is added here. */
import type { CatalogModel, Discovery, Model } from "$lib/api";

export interface Served {
  /** Ids that can be added. */
  more: string[];
  /** Ids of its list that the catalogue does not know. */
  unknown: ReadonlySet<string>;
  listed: number;
  known: number;
  /** Added here, but not in its list. */
  ownAbsent: string[];
  /** In the catalogue, but not in its list. */
  catalogueOnly: string[];
}

/** The upstream ids of a provider that are added here. */
export function usedNames(models: readonly Model[], providerId: string): Set<string> {
  return new Set(
    models.flatMap(({ deployments }) =>
      deployments.filter((one) => one.provider_id === providerId).map((one) => one.upstream_model),
    ),
  );
}

/** Compares the list with the catalogue; without a list the catalogue stands in for it. */
export function servedBy(
  discovery: Discovery | null,
  catalogue: readonly Pick<CatalogModel, "id">[],
  used: ReadonlySet<string>,
): Served {
  const listed = discovery?.models ?? [];
  const ids = new Set(listed.map(({ id }) => id));
  const inCatalogue = catalogue.map(({ id }) => id);
  if (listed.length === 0) {
    const more = inCatalogue.filter((id) => !used.has(id));
    return { more, unknown: new Set(), listed: 0, known: 0, ownAbsent: [], catalogueOnly: [] };
  }
  const unknown = new Set(listed.filter(({ is_known }) => !is_known).map(({ id }) => id));
  return {
    more: [...ids].filter((id) => !used.has(id)),
    unknown,
    listed: ids.size,
    known: ids.size - unknown.size,
    ownAbsent: [...used].filter((id) => !ids.has(id)),
    catalogueOnly: inCatalogue.filter((id) => !ids.has(id)),
  };
}
