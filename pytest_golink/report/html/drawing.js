// Pictures that are lists underneath: an import chain, what an image links, its packages by size.

function drawnChain(chain) {
  const last = chain.length - 1;
  return h("ol", { class: "chain", "aria-label": "Import chain" }, ...chain.map(([name, place], index) =>
    h("li", { class: index === last ? "culprit" : null },
      h("span", { class: "package" }, name),
      index < last ? h("span", { class: "imports" }, h("span", { class: "unseen" }, " imports the next"),
        place ? h("span", { class: "unseen" }, " at ") : null, place ? h("span", { class: "place" }, place) : null) : null)));
}

function drawnSymbols([version, floor, names, more]) {
  return h("li", { class: floor ? "version floor" : "version" },
    version || floor ? h("p", null, h("b", null, version), floor ? h("span", { class: "tag" }, "glibc floor") : null) : null,
    h("p", { class: "symbols" }, ...names.map((name) => h("code", null, name)).flatMap((code) => [code, " "]),
      more ? `and ${more} more` : null));
}

function drawnLinks(image) {
  const links = DATA.pool[image.links];
  if (!links.linked) return h("p", null, "Nothing yet: it is not linked.");
  const branches = [];
  if (links.loader) branches.push(h("li", { class: "loader" }, h("p", { class: "node" }, h("span", { class: "via" }, "loader"), links.loader)));
  for (const [name, via, groups] of links.libraries) {
    const inside = groups.map(drawnSymbols);
    branches.push(h("li", { class: name ? "library" : "library loose" },
      h("p", { class: "node" }, h("span", { class: "via" }, name ? via || "imported from" : "bound to no library"), name || "any library"),
      inside.length ? h("ul", null, ...inside) : null));
  }
  if (links.more) branches.push(h("li", null, h("p", { class: "node" }, `and ${count(links.more, "more library").replace("librarys", "libraries")}`)));
  if (links.embedded) branches.push(h("li", { class: "library" }, h("p", { class: "node" }, h("span", { class: "via" }, "linked in"), links.embedded)));
  if (!branches.length) branches.push(h("li", { class: "nothing" }, h("p", { class: "node" }, "nothing: it needs no loader and no library")));
  return h("div", { class: "links" }, h("p", { class: "node root" }, h("b", null, image.name),
    links.floor ? h("span", { class: "tag" }, `needs ${links.floor}`) : null), h("ul", null, ...branches));
}

// Packages beyond these are a small part of the file.
const LARGEST = 15;

function drawnSizes(image, expanded) {
  const largest = Math.max(...image.sizes.map(([, size]) => size), 1);
  const whole = DATA.pool[image.facts].size;
  const table = (sizes, caption) => h("table", { class: "sizes" }, h("caption", null, caption),
    h("thead", null, h("tr", null, h("th", { scope: "col" }, "package"), h("th", { scope: "col" }, "bytes"),
      h("th", { scope: "col" }, "share of the file"))),
    h("tbody", null, ...sizes.map(([name, size]) => {
      const bar = h("span", { class: "bar", "aria-hidden": "true" });
      bar.style.width = `${(size / largest) * 100}%`;
      return h("tr", null, h("th", { scope: "row" }, name), h("td", { class: "number" }, bytes(size)),
        h("td", null, h("span", { class: "track" }, bar), whole ? ` ${((size / whole) * 100).toFixed(1)} %` : ""));
    })));
  const rest = image.sizes.slice(LARGEST);
  return h("div", null, table(image.sizes.slice(0, LARGEST), "Code of the largest packages, in bytes of the file"),
    rest.length ? h("details", { open: expanded }, h("summary", null, count(rest.length, "smaller package")),
      table(rest, "Code of smaller packages")) : null);
}
