// What Playwright needs and WebDriver BiDi in Firefox ESR 153 does not do.  Loaded into Firefox's own
// process by firefox_for_playwright.py.

const { emulation } = ChromeUtils.importESModule(
  "chrome://remote/content/webdriver-bidi/modules/root/emulation.sys.mjs",
);
const { NavigableManager } = ChromeUtils.importESModule(
  "chrome://remote/content/shared/NavigableManager.sys.mjs",
);
const { UserContextManager } = ChromeUtils.importESModule(
  "chrome://remote/content/shared/UserContextManager.sys.mjs",
);

const { actions } = ChromeUtils.importESModule(
  "chrome://remote/content/shared/webdriver/Actions.sys.mjs",
);

// --- emulation.setMediaFeaturesOverride, for `prefers-color-scheme` -------------------------------
// Playwright sends it with every context.

const FEATURE = "prefers-color-scheme";
const schemes = new Map(); // of each user context

const pages = function* () {
  for (const window of Services.wm.getEnumerator("navigator:browser")) {
    for (const browser of window.gBrowser.browsers) yield browser.browsingContext;
  }
};

const followItsUserContext = (page) => {
  const scheme = schemes.get(page.originAttributes.userContextId);
  if (scheme && page.isContent && !page.parent) page.prefersColorSchemeOverride = scheme;
};

if (!emulation.prototype.setMediaFeaturesOverride) {
  Services.obs.addObserver(followItsUserContext, "browsing-context-attached");

  emulation.prototype.setMediaFeaturesOverride = async ({ features, contexts, userContexts }) => {
    const scheme = features[FEATURE] ?? "none";
    for (const id of contexts ?? []) {
      const page = NavigableManager.getBrowsingContextById(id);
      if (page) page.top.prefersColorSchemeOverride = scheme;
    }
    for (const id of userContexts ?? []) {
      schemes.set(UserContextManager.getInternalIdById(id), scheme);
      for (const page of pages()) followItsUserContext(page);
    }
  };
}

// --- double clicks -------------------------------------------------------------------------------
// Playwright sends each press and release by itself, and Firefox takes presses of two commands for
// two single clicks, however fast they are.  A move ends what was counted, also one to the same place.

actions.Chain.prototype.dispatch = async function (state, options) {
  for (const tick of this) {
    if (tick.some((action) => action.subtype === "pointerMove")) state.clickTracker.reset();
    await tick.dispatch(state, options);
  }
};

export const loaded = true;
