// Everything a page shows is set as text: markup in a product's or a person's name stays what it is, letters.

/** An element with attributes and children; strings become text, null and false are left out. */
export function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith('on')) {
      node.addEventListener(name.slice(2), value);
    } else if (value === true) {
      node.setAttribute(name, '');
    } else if (value !== false && value !== null && value !== undefined) {
      node.setAttribute(name, value);
    }
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== false && child !== undefined));
  return node;
}

export const byId = (id) => document.getElementById(id);

/** What each place shows now, so that a refresh touches only what has changed and never moves the reader's focus. */
const shown = new WeakMap();

export function paint(place, data, render) {
  const text = JSON.stringify(data);
  if (shown.get(place) === text) {
    return;
  }
  shown.set(place, text);
  const focus = place.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined;
  place.replaceChildren(...[render(data)].flat(Infinity));
  if (focus) {
    place.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
  }
}

export function toast(text) {
  const place = byId('toast');
  place.textContent = text;
  place.classList.add('on');
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => place.classList.remove('on'), 2500);
}

/** A command with a button that copies it. */
export function command(text) {
  const code = el('code', {}, text);
  const copied = async () => {
    try {
      await navigator.clipboard.writeText(text);
      toast('Copied');
    } catch { // no clipboard outside https and localhost: select it, so that one key copies it
      getSelection().selectAllChildren(code);
      toast('Selected; copy it with your keyboard');
    }
  };
  return el('div', { class: 'command' },
    el('pre', { tabindex: '0', role: 'region', 'aria-label': `Command ${text}` }, code),
    el('button', { type: 'button', class: 'quiet', 'aria-label': `Copy the command ${text}`, onclick: copied }, 'Copy'));
}
