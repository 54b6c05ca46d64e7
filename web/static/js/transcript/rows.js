// The sentences of a transcript as elements, in their order, whether they stand in paragraphs or not.

/** All of them. */
export const rowsOf = (list) => [...list.querySelectorAll("li[data-n]")];

export const rowAround = (node) => node?.closest?.("#sentences li[data-n]") ?? null;

/** Whether a row is shown, and left out by no filter. */
export const isShown = (row) => row.checkVisibility?.() ?? row.getClientRects().length > 0;

/** What a sentence stands in of the list: its paragraph, or where there are none itself. */
export const boxOf = (row) => row.closest(".paragraph") ?? row;

/** The sentence that follows one, or with `by` below zero the one before; null at the ends. */
export function besideRow(row, by) {
  const step = by > 0 ? "nextElementSibling" : "previousElementSibling";
  if (row[step]) return row[step];
  let paragraph = row.closest(".paragraph")?.[step];
  // Joining may have emptied one that is taken away once no sentence is open.
  while (paragraph && !paragraph.querySelector("li")) paragraph = paragraph[step];
  return paragraph?.querySelector(by > 0 ? "li" : "li:last-child") ?? null;
}
