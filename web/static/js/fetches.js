// The page of recordings that are fetched.
import "./main.js";
import { pollFragment } from "./live/live_fragment.js";

pollFragment(document.querySelector("[data-live]"));
