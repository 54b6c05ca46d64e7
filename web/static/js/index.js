// The front page: recordings are sent, and the list of jobs is kept up to date.
import "./main.js";
import { enhanceList } from "./list/list.js";
import { pollFragment } from "./live/live_fragment.js";
import { enhanceUpload } from "./upload/choose.js";

const refresh = enhanceList(document.getElementById("list"));
const share = document.getElementById("share"); // only where there are accounts
const refreshShare = share ? pollFragment(share) : () => {};
enhanceUpload(document.getElementById("upload"), document.getElementById("uploads"), () => {
  refresh();
  refreshShare();
});
