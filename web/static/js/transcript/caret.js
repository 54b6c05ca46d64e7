import { offsetIn, rangeIn } from "./sentences.js";

/** Which character of the paragraph is under a point: the caret is at the nearer side of it. */
export function characterAt(paragraph, x, y) {
  const caret = caretAt(x, y);
  if (!caret || !paragraph.contains(caret.node)) return -1;
  const offset = offsetIn(paragraph, caret.node, caret.offset);
  if (offset > 0) {
    const before = rangeIn(paragraph, offset - 1, offset);
    for (const box of before?.getClientRects() ?? []) {
      if (x >= box.left && x <= box.right && y >= box.top && y <= box.bottom) return offset - 1;
    }
  }
  return offset;
}

function caretAt(x, y) {
  if (document.caretPositionFromPoint) {
    const found = document.caretPositionFromPoint(x, y);
    return found && { node: found.offsetNode, offset: found.offset };
  }
  const range = document.caretRangeFromPoint?.(x, y);
  return range && { node: range.startContainer, offset: range.startOffset };
}
