import { register } from "@shopify/web-pixels-extension";

// What the app embed writes into the cart, and a link carries.
const ATTRIBUTE = "_upline_ref";
const PARAMETERS = ["upline_ref", "ref"];
const KEY = "upline_link";
const LONGEST = 255;

// linkCode is the code of a share link in an address; "" where there is none.
// An e-mail address is no code, and is not sent anywhere.
function linkCode(search) {
  const query = new URLSearchParams(search || "");
  const code = (PARAMETERS.map((name) => query.get(name)).find(Boolean) || "").trim();
  return code.length <= LONGEST && !code.includes("@") ? code : "";
}

// The signed reference of the cart wins; where the app embed is switched off
// there is only the code of the link that this visit began with.
async function reference(checkout, browser) {
  const attribute = (checkout.attributes || []).find((a) => a && a.key === ATTRIBUTE);
  if (attribute && attribute.value) return String(attribute.value).slice(0, LONGEST * 2);
  return (await browser.sessionStorage.getItem(KEY).catch(() => null)) || "";
}

register(({ analytics, browser, settings, init }) => {
  analytics.subscribe("page_viewed", async (event) => {
    const code = linkCode(event.context?.document?.location?.search);
    if (code) await browser.sessionStorage.setItem(KEY, code).catch(() => {});
  });

  analytics.subscribe("checkout_completed", async (event) => {
    const checkout = event.data?.checkout;
    const ref = checkout?.token ? await reference(checkout, browser) : "";
    if (!ref || !settings.endpoint) return;
    // No name, no address, no amount: the order itself comes by webhook.
    const hint = { shop: init.data?.shop?.myshopifyDomain || "", checkout_token: checkout.token, event_id: event.id, ref };
    await browser.sendBeacon(settings.endpoint, JSON.stringify(hint));
  });
});
