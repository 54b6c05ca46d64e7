// Pages that show a secret once: it can be copied.
import "./main.js";
import { copyButtons } from "./copy.js";

copyButtons();
