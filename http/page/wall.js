// The displays that /displays lists, as pictures.
const { displays } = await (await fetch("displays")).json();
for (const address of displays) {
  const link = document.createElement("a");
  const image = document.createElement("img");
  link.href = address;
  image.src = new URL("?stream", new URL(address, location.href)).href;
  image.alt = "live screen";
  link.append(image, address);
  document.body.append(link);
}
