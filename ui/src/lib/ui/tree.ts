/** A tree as the rows of a list: which are visible, and where keys and a drag go. No DOM here. */

/** One thing in the tree. Children stand in the order they are given. */
export interface TreeNode<Item> {
  id: string;
  parent: string | null;
  /** What is typed to reach it. */
  name: string;
  item: Item;
}

/** One visible line. */
export interface TreeRow<Item> {
  id: string;
  parent: string | null;
  name: string;
  item: Item;
  /** From 1. */
  level: number;
  hasChildren: boolean;
  isExpanded: boolean;
  /** Its place among its siblings, from 1, and how many there are. */
  position: number;
  siblings: number;
}

/** The children of every node, in order; those of the roots under null. */
export function childrenOf<Item>(nodes: readonly TreeNode<Item>[]): Map<string | null, TreeNode<Item>[]> {
  const ids = new Set(nodes.map(({ id }) => id));
  const children = new Map<string | null, TreeNode<Item>[]>();
  for (const node of nodes) {
    const parent = node.parent !== null && ids.has(node.parent) ? node.parent : null;
    const list = children.get(parent);
    if (list) list.push(node);
    else children.set(parent, [node]);
  }
  return children;
}

/**
 * The visible rows from top to bottom. With `matches`, those that match stay with everything they are
 * in, opened; else a node's children follow it where it is expanded.
 */
export function treeRows<Item>(
  nodes: readonly TreeNode<Item>[],
  expanded: ReadonlySet<string>,
  matches?: (node: TreeNode<Item>) => boolean,
): TreeRow<Item>[] {
  const children = childrenOf(nodes);
  const kept = matches ? withAncestors(nodes, matches) : null;
  const rows: TreeRow<Item>[] = [];
  const visit = (parent: string | null, level: number): void => {
    const all = children.get(parent) ?? [];
    const shown = kept ? all.filter(({ id }) => kept.has(id)) : all;
    for (const [index, node] of shown.entries()) {
      const below = children.get(node.id) ?? [];
      const hasChildren = kept ? below.some(({ id }) => kept.has(id)) : below.length > 0;
      const isExpanded = hasChildren && (kept !== null || expanded.has(node.id));
      rows.push({ ...node, level, hasChildren, isExpanded, position: index + 1, siblings: shown.length });
      if (isExpanded) visit(node.id, level + 1);
    }
  };
  visit(null, 1);
  return rows;
}

function withAncestors<Item>(
  nodes: readonly TreeNode<Item>[],
  matches: (node: TreeNode<Item>) => boolean,
): Set<string> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const kept = new Set<string>();
  for (const node of nodes.filter(matches)) {
    let at: TreeNode<Item> | undefined = node;
    while (at && !kept.has(at.id)) {
      kept.add(at.id);
      at = at.parent === null ? undefined : byId.get(at.parent);
    }
  }
  return kept;
}

/** A node and everything it is in, nearest first. */
export function ancestorsOf(
  nodes: readonly Pick<TreeNode<unknown>, "id" | "parent">[],
  id: string,
): string[] {
  const parents = new Map(nodes.map((node) => [node.id, node.parent]));
  const chain: string[] = [];
  let at: string | null | undefined = id;
  while (at && !chain.includes(at)) {
    chain.push(at);
    at = parents.get(at);
  }
  return chain;
}

/** The row that begins with what was typed, from the one after `from` on and round. -1 where none does. */
export function typeahead(
  rows: readonly Pick<TreeRow<unknown>, "name">[],
  from: number,
  typed: string,
): number {
  const wanted = typed.toLowerCase();
  // More letters narrow the row already reached; a single one goes on to the next.
  const start = typed.length > 1 ? Math.max(0, from) : from + 1;
  for (let step = 0; step < rows.length; step += 1) {
    const index = (start + step) % rows.length;
    if (rows[index]?.name.toLowerCase().startsWith(wanted)) return index;
  }
  return -1;
}

/** The row a row is in; -1 at the top. */
export function parentIndex(rows: readonly Pick<TreeRow<unknown>, "level">[], index: number): number {
  const level = rows[index]?.level ?? 1;
  for (let at = index - 1; at >= 0; at -= 1) {
    if ((rows[at]?.level ?? 1) < level) return at;
  }
  return -1;
}
