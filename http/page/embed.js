// A page that was opened with a token sends it with all its requests.
const token = new URLSearchParams(location.search).get("token");
document.getElementById("screen").src =
  "?stream" + (token === null ? "" : `&token=${encodeURIComponent(token)}`);
