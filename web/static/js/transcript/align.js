const LETTER = /[\p{L}\p{N}]/u;

/** Letters and digits of a text, small, and where each stands; spaces and marks are left out. */
function letters(text) {
  const found = [];
  const places = [];
  for (let place = 0; place < text.length; place += 1) {
    if (!LETTER.test(text[place])) continue;
    found.push(text[place].toLowerCase());
    places.push(place);
  }
  return { found, places };
}

/**
 * Where each word stands in the text: [from, to] or null. The text may have been corrected, so words
 * are matched as the longest common sequence of letters; usually all of it is common.
 */
export function placesOf(words, text) {
  const shown = letters(text);
  const said = [];
  const owner = [];
  words.forEach((word, index) => {
    for (const letter of letters(word).found) {
      said.push(letter);
      owner.push(index);
    }
  });
  const places = words.map(() => null);
  for (const [left, right] of commonSequence(said, shown.found)) {
    const place = shown.places[right];
    const word = (places[owner[left]] ??= [place, place + 1]);
    word[1] = place + 1;
  }
  return places;
}

function commonSequence(left, right) {
  const pairs = [];
  let begin = 0;
  while (begin < left.length && begin < right.length && left[begin] === right[begin]) {
    pairs.push([begin, begin]);
    begin += 1;
  }
  let leftEnd = left.length;
  let rightEnd = right.length;
  const tail = [];
  while (leftEnd > begin && rightEnd > begin && left[leftEnd - 1] === right[rightEnd - 1]) {
    leftEnd -= 1;
    rightEnd -= 1;
    tail.push([leftEnd, rightEnd]);
  }
  const rows = leftEnd - begin;
  const columns = rightEnd - begin;
  if (rows && columns) {
    // lengths[i][j]: of the longest common sequence of what begins at i and j.
    const width = columns + 1;
    const lengths = new Uint16Array((rows + 1) * width);
    for (let i = rows - 1; i >= 0; i -= 1) {
      for (let j = columns - 1; j >= 0; j -= 1) {
        lengths[i * width + j] =
          left[begin + i] === right[begin + j]
            ? lengths[(i + 1) * width + j + 1] + 1
            : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
      }
    }
    for (let i = 0, j = 0; i < rows && j < columns; ) {
      if (left[begin + i] === right[begin + j]) {
        pairs.push([begin + i, begin + j]);
        i += 1;
        j += 1;
      } else if (lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) i += 1;
      else j += 1;
    }
  }
  return [...pairs, ...tail.reverse()];
}
