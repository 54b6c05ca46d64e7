// The browser's own part of notifications: it subscribes, and is told to the server.
import { api, tokenAccount } from "../page/api.js";
import { register } from "../installed_app/registration.js";
import { address } from "../page/base_path.js";
import { keep, keptJson } from "../browser/storage.js";

const KEPT = "longscribe.push";

/** Tells this sign-in from another one; "" where nobody signs in. */
const signIn = document.querySelector('meta[name="sign-in"]')?.content ?? "";

export const canSubscribe = () =>
  "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

/** Subscribe with the server's key, and tell the server. Throws ApiError, or what the browser throws. */
export async function subscribe(key, to) {
  const registration = await serviceWorker();
  const options = { userVisibleOnly: true, applicationServerKey: key };
  let subscription;
  try {
    subscription = await registration.pushManager.subscribe(options);
  } catch (error) {
    if (error.name !== "InvalidStateError") throw error;
    // It was made with the key of a server that was here before.
    await (await registration.pushManager.getSubscription())?.unsubscribe();
    subscription = await registration.pushManager.subscribe(options);
  }
  await tell(subscription, to);
  remember(to);
}

/**
 * After another sign-in of the same person, tell the server once that this browser is theirs. Under a
 * sign-in that was told it already, a browser that is not in the list was removed from it.
 */
export async function renewSubscription() {
  const kept = keptJson(KEPT);
  if (!kept || kept.account !== tokenAccount || !canSubscribe()) return;
  if (Notification.permission !== "granted" || kept.signIn === signIn) return;
  try {
    const subscription = await subscriptionHere();
    if (!subscription) return;
    await tell(subscription, kept.to);
    remember(kept.to);
  } catch {
    // with the next page
  }
}

/** The SHA-256 of this browser's address at its push service, in hexadecimal digits; null without. */
export async function endpointSha256() {
  const subscription = await subscriptionHere();
  if (!subscription) return null;
  const bytes = new TextEncoder().encode(subscription.endpoint);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Forget that this browser is subscribed, once the server does not know it any more. */
export const forgetSubscription = () => keep(KEPT, null);

async function serviceWorker() {
  await register();
  return navigator.serviceWorker.ready;
}

async function subscriptionHere() {
  const registration = await navigator.serviceWorker.getRegistration(address("/"));
  return registration?.pushManager.getSubscription();
}

async function tell(subscription, to) {
  const { keys } = subscription.toJSON();
  const form = new URLSearchParams({ endpoint: subscription.endpoint, ...keys });
  await api("POST", to, { form });
}

const remember = (to) => keep(KEPT, JSON.stringify({ account: tokenAccount, signIn, to }));
