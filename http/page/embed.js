// The picture and nothing else, for frames and kiosks; it reconnects by itself.

import { Watch } from "./watch.js";

const watch = new Watch(true);
watch.screen.onChange();
