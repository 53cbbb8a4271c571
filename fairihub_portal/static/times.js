/** A page with moments and nothing else to do: shows them in the reader's own time. */

import { localTimes } from "./common.js";

localTimes();
