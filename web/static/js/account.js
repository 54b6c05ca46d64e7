// Pages that show a secret once: it can be copied.
import "./main.js";
import { copyButtons } from "./page/copy.js";

copyButtons();
