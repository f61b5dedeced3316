// What a server says in its log's style, as a sentence for people.

/**
 * Give it a capital, unless it begins with a name such as wcf:/run/eye, and a full stop.
 * @param {string} text
 * @returns {string}
 */
export function asSentence(text) {
  const begun = /^[a-z]+[ ,;]/.test(text) ? text[0].toUpperCase() + text.slice(1) : text;
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
