// The front page: recordings are sent, and the list of jobs is kept up to date.
import "./main.js";
import { enhanceList } from "./list/list.js";
import { enhanceUpload } from "./upload/choose.js";

const refresh = enhanceList(document.getElementById("list"));
enhanceUpload(document.getElementById("upload"), document.getElementById("uploads"), refresh);
