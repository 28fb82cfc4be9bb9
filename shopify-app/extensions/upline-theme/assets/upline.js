// Remembers whose link a visitor came by, and writes it into the cart as the
// attribute _upline_ref, from where it reaches the order. Nothing here is
// trusted: the reference is signed by the server and checked there again.
//
// Without consent to marketing (Shopify's Customer Privacy API) nothing is
// stored, asked or sent. It adds nothing to the page's layout and throws
// nothing into the shop's own scripts.
(() => {
  "use strict";
  const script = document.currentScript;
  const shopify = (window.Shopify = window.Shopify || {});
  if (!script || shopify.designMode) return;
  const { mode, days, proxy, note, close } = script.dataset;
  const root = (shopify.routes && shopify.routes.root) || "/";
  const KEY = "upline";
  const ATTRIBUTE = "_upline_ref";
  const now = Date.now();
  const life = (Number(days) || 30) * 864e5;
  const allowed = () => {
    const privacy = shopify.customerPrivacy;
    return Boolean(privacy && typeof privacy.marketingAllowed === "function" && privacy.marketingAllowed());
  };

  // ---- what is remembered on this device: {first, last, cart} ---------------

  // Browsers that block storage throw on the property itself. The cart still
  // carries the reference then; only later carts do not.
  const storage = (name) => {
    try {
      return window[name];
    } catch {
      return null;
    }
  };
  const read = () => {
    try {
      return JSON.parse(storage("localStorage").getItem(KEY)) || {};
    } catch {
      return {};
    }
  };
  const write = (memory) => {
    if (!allowed()) return; // taken back while an answer was awaited
    try {
      storage("localStorage").setItem(KEY, JSON.stringify(memory));
    } catch {
      // Blocked or full.
    }
  };
  const forget = () => {
    try {
      storage("localStorage").removeItem(KEY);
    } catch {
      // Nothing was stored either.
    }
  };
  const alive = (touch) => Boolean(touch && typeof touch.ref === "string" && touch.at <= now && now - touch.at < life);

  // ---- the link of this visit ------------------------------------------------

  // An e-mail address is no code, and is not sent anywhere.
  const linkCode = () => {
    const query = new URLSearchParams(location.search);
    const code = (query.get("upline_ref") || query.get("ref") || "").trim();
    return code && code.length <= 255 && !code.includes("@") ? code : "";
  };

  // resolve asks the server, through the shop's own address, whose code this
  // is: {ref, name, discount}, where ref is signed; null where it is nobody's.
  const resolve = async (code) => {
    const answer = await fetch(`${proxy}?code=${encodeURIComponent(code)}`, { headers: { Accept: "application/json" } });
    if (!answer.ok) return null;
    const found = await answer.json();
    return found && typeof found.ref === "string" && found.ref ? found : null;
  };

  // ---- the cart ----------------------------------------------------------------

  // A cart's token without its key; "" where there is no cart or its cookie
  // cannot be read.
  const cartToken = () => {
    try {
      const found = /(?:^|;\s*)cart=([^;]*)/.exec(document.cookie);
      return found ? decodeURIComponent(found[1]).split("?")[0] : "";
    } catch {
      return "";
    }
  };

  const mark = async (memory, touch) => {
    const answer = await fetch(`${root}cart/update.js`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({ attributes: { [ATTRIBUTE]: touch.ref } }),
    });
    if (!answer.ok) return;
    const cart = await answer.json();
    memory.cart = `${String((cart && cart.token) || "").split("?")[0]} ${touch.ref}`;
    write(memory);
  };

  // ---- who recommended, where the shop wants it shown ---------------------------

  const show = (name) => {
    if (!note || !name || document.getElementById("upline-note")) return;
    const box = document.createElement("div");
    box.id = "upline-note";
    box.setAttribute("role", "status");
    // Fixed: it lies above the page and moves nothing.
    box.style.cssText =
      "position:fixed;inset-inline-start:16px;inset-block-end:16px;z-index:9;display:flex;gap:8px;align-items:center;" +
      "max-inline-size:calc(100vw - 32px);padding:8px 8px 8px 16px;border-radius:8px;background:#fff;color:#1a1a1a;" +
      "font:14px/1.4 system-ui,sans-serif;box-shadow:0 2px 12px rgb(0 0 0/.25)";
    const text = document.createElement("span");
    text.textContent = note.replace("[name]", String(name).slice(0, 80));
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "×";
    button.setAttribute("aria-label", close);
    button.style.cssText = "all:revert;min-inline-size:32px;min-block-size:32px";
    button.onclick = () => box.remove();
    box.append(text, button);
    document.body.append(box);
  };

  // ---- one visit ------------------------------------------------------------------

  const visit = async () => {
    const memory = read();
    if (!alive(memory.first)) memory.first = memory.last = undefined;
    const code = linkCode();
    if (code) {
      const found = await resolve(code);
      if (found) {
        memory.last = { ref: found.ref, code, at: now };
        if (!memory.first) memory.first = memory.last;
        write(memory);
        show(found.name);
        // The distributor's discount, as the link /discount/CODE would set it.
        if (found.discount) await fetch(`${root}discount/${encodeURIComponent(found.discount)}`).catch(() => {});
      }
    }
    const touch = mode === "first" ? memory.first : memory.last;
    if (!alive(touch) || !allowed()) return;
    const token = cartToken();
    if (token && memory.cart === `${token} ${touch.ref}`) return; // this cart has it
    await mark(memory, touch);
  };

  // ---- consent ----------------------------------------------------------------------

  let running = false;
  const start = () => {
    if (!allowed()) {
      forget(); // consent was never given, or was taken back
      return;
    }
    if (running) return;
    running = true;
    visit()
      .catch(() => {}) // a shop without Upline works as before
      .finally(() => {
        running = false;
      });
  };
  document.addEventListener("visitorConsentCollected", start);
  if (shopify.customerPrivacy) start();
  else if (shopify.loadFeatures) shopify.loadFeatures([{ name: "consent-tracking-api", version: "0.1" }], (error) => error || start());
})();
