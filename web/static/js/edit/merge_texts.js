// A Chinese character or a whole word of another script: nobody wants half of one marked or merged.
const PIECE = /[\p{Script=Latin}\p{N}'’]+|./gsu;

export const pieces = (text) => text.match(PIECE) ?? [];

/**
 * How `other` differs from `one`, by what both begin and end with: the pieces of `one` between
 * `from` and `to` became `changed`, which stands in `other` between `before` and `after`.
 */
export function difference(one, other) {
  const [a, b] = [pieces(one), pieces(other)];
  const most = Math.min(a.length, b.length);
  let head = 0;
  while (head < most && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < most - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  return {
    from: head,
    to: a.length - tail,
    before: b.slice(0, head).join(""),
    changed: b.slice(head, b.length - tail).join(""),
    after: b.slice(b.length - tail).join(""),
  };
}

/** Both changes of `base` in one text, or null where they touch the same part of it. */
export function merged(base, mine, theirs) {
  const [first, second] = [difference(base, mine), difference(base, theirs)].sort(
    (a, b) => a.from - b.from || a.to - b.to,
  );
  if (first.to > second.from || first.from === second.from) return null;
  const text = pieces(base);
  return [
    ...text.slice(0, first.from),
    first.changed,
    ...text.slice(first.to, second.from),
    second.changed,
    ...text.slice(second.to),
  ].join("");
}
