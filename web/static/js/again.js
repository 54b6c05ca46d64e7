// The page on which a recording that is here is transcribed again.
import "./main.js";
import { offerHotwords } from "./upload/hotwords.js";

offerHotwords(document.getElementById("again"));
