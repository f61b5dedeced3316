// A page that was opened with a token sends it with all its requests.
const token = [...new URLSearchParams(location.search)]
  .filter(([name]) => name.toLowerCase() === "token").pop();
const address = (page) => `?${page}` + (token ? `&token=${encodeURIComponent(token[1])}` : "");
const base = location.origin + location.pathname;
for (const span of document.querySelectorAll("[data-page]"))
  span.textContent = base + address(span.dataset.page);

// A stream that ends raises no event in a browser, so the state page is
// polled, and the picture is loaded anew when the server is back.
const state = document.getElementById("state");
const screen_ = document.getElementById("screen");
let lost = false;
// A token gives no access to the state page: then health is polled.
let forbidden = false;
// Without access there are no more requests: they would count as guesses.
let revoked = false;

function get(page) {
  return fetch(address(page), { cache: "no-store", signal: AbortSignal.timeout(4000) });
}

function show({ capture, stats, encoder }) {
  const { display, width, height } = capture;
  const size = width ? ` · ${width}×${height}` : "";
  document.title = `${display} – webcapd`;
  state.textContent =
    `${display}${size} · ${stats.encodeFps} frames/s · ${stats.sessionCount} watching` +
    (encoder.state === "lost" ? ` · ${encoder.reason}` : "");
  return encoder.state;
}

async function fetchState() {
  if (!forbidden) {
    const response = await get("info");
    if (response.ok) return show(await response.json());
    revoked = response.status === 401;
    if (response.status !== 403) throw await response.text();
    forbidden = true;
    for (const part of document.querySelectorAll("#more, #more + dd")) part.remove();
  }
  const health = await (await get("health")).json();
  state.textContent = health.healthy ? "live" : "no picture at the moment";
  return health.state;
}

async function refresh() {
  try {
    const now = await fetchState();
    if (lost) screen_.src = `${address("stream")}&again=${Date.now()}`;
    lost = false;
    state.classList.toggle("lost", now === "lost");
  } catch (error) {
    lost = true;
    state.classList.add("lost");
    state.textContent =
      typeof error === "string" ? error : "no connection to the server; trying again";
  }
  if (!revoked) setTimeout(refresh, 2000);
}
screen_.src = address("stream");
refresh();

// While the page was hidden or the machine asleep the stream may have ended.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) lost = true;
});
