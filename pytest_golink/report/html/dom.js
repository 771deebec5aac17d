// Elements, made without markup: a name from an image is only ever a text node or an attribute's value.

const byId = (id) => document.getElementById(id);

function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

// In powers of 1000, as the terminal's report has it.
function bytes(amount) {
  if (amount < 1000) return `${amount} B`;
  for (const unit of ["kB", "MB"]) {
    amount /= 1000;
    if (amount < 999.95) return `${amount.toFixed(1)} ${unit}`;
  }
  return `${(amount / 1000).toFixed(1)} GB`;
}

function mark(outcome) {
  return h("span", { class: "mark", "aria-hidden": "true" }, MARKS[outcome]);
}

// A dl of labels and lines; a row without lines is left out.
function rows(entries, attributes) {
  const list = h("dl", attributes);
  for (const [label, lines] of entries) {
    const shown = [lines].flat().filter((line) => line !== "" && line !== null && line !== undefined);
    if (shown.length) list.append(h("dt", null, label), ...shown.map((line) => h("dd", null, line)));
  }
  return list;
}

function copyable(label, text) {
  const said = h("span", { role: "status", class: "copied" });
  const code = h("pre", { tabindex: "0", "aria-label": label }, h("code", null, text));
  const copied = (done) => {
    said.textContent = done ? "copied" : "select it and copy";
    if (!done) getSelection().selectAllChildren(code);
  };
  const button = h("button", {
    type: "button", class: "copy",
    onclick: () => {
      // A page opened from a file may have no clipboard.
      if (!navigator.clipboard) copied(false);
      else navigator.clipboard.writeText(text).then(() => copied(true), () => copied(false));
    },
  }, "Copy", h("span", { class: "unseen" }, ` ${label}`));
  return h("div", { class: "copyable" }, h("p", { class: "of" }, label, " ", button, " ", said), code);
}
