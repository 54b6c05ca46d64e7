/** Make a text field as high as its text. Browsers that know `field-sizing` need no help. */
export function fitToText(field) {
  if (CSS.supports("field-sizing", "content")) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 2}px`; // with its border
}
