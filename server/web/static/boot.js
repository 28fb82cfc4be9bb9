// Begins the screens inside Shopify's admin. Its two scripts have run or failed by now: without Shopify's elements our own
// are loaded, and without App Bridge nothing can be, because no token can be had.
const { polaris, own, ownStyle } = document.getElementById('boot').dataset;

function ownLook() {
  const style = document.createElement('link');
  style.rel = 'stylesheet';
  style.href = ownStyle;
  document.head.append(style);
}

if (!window.shopify?.idToken) {
  ownLook();
  const box = document.createElement('main');
  const title = document.createElement('h1');
  const text = document.createElement('p');
  const again = document.createElement('button');
  title.textContent = 'Shopify’s script did not load';
  text.textContent = 'Upline needs it to know who you are. A blocked network or an extension of the browser may be the cause. Nothing is lost.';
  again.textContent = 'Load again';
  again.className = 'button primary';
  again.addEventListener('click', () => location.reload());
  box.append(title, text, again);
  document.body.replaceChildren(box);
} else if (customElements.get('s-page')) {
  await import(polaris);
} else {
  ownLook();
  await import(own);
}
