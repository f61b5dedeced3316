// Why a display of another server shows nothing: browsers do not tell scripts, but it can be found.

const TIMEOUT_MS = 4000;

/**
 * Give one sentence on why updates from this address cannot be read; empty if it just does not answer.
 * @param {URL} address of a display's page
 * @returns {Promise<string>}
 */
export async function whyUnreadable(address) {
  if (location.protocol === "https:" && address.protocol === "http:") {
    return "A page that came by https may show nothing that comes by http.";
  }
  const health = `${address.origin}${address.pathname}?health`;
  try {
    // An answer that may not be read is an answer all the same.
    await fetch(health, { mode: "no-cors", signal: AbortSignal.timeout(TIMEOUT_MS) });
    return `It answers, but needs --allow-origin ${location.origin} to be shown here.`;
  } catch {
    return "";
  }
}
