/** Thin spaces between Chinese and Latin script, as the server sets them where text is shown. */
const HAN = "\u3005-\u3007\u3040-\u30fa\u30fc-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{3ffff}";
const LETTER = "0-9A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0370-\u03ff\u0400-\u052f";
const THIN_SPACE = "\u2009";

const boundary = new RegExp(
  [
    `(?<=[${HAN}])(?=[$€£¥@#]?[${LETTER}])`,
    `(?<=[${LETTER}%‰°℃℉])(?=[${HAN}])`,
    `(?<=[${LETTER}][+#])(?=[${HAN}])`,
    `(?<=[+][+])(?=[${HAN}])`,
  ].join("|"),
  "gu",
);

export function spaced(text) {
  return text.replace(boundary, THIN_SPACE);
}

/** The parts of one text, with the spaces that the whole has. */
export function spacedParts(parts) {
  const whole = spaced(parts.join(""));
  let at = 0;
  return parts.map((part) => {
    const begin = at;
    for (const character of part) {
      while (whole[at] === THIN_SPACE && character !== THIN_SPACE) at += 1;
      at += character.length;
    }
    return whole.slice(begin, at);
  });
}

/** The stored text of what is shown. */
export function unspaced(text) {
  return text.replaceAll(THIN_SPACE, "").trim();
}
