// Chooses what the address asks for.
import { make } from "/dom.js";
import * as table from "/table.js";
import * as run from "/run.js";
import * as compare from "/compare.js";

const main = document.getElementById("main");
const trail = document.getElementById("trail");
const note = document.getElementById("note");
let leaving = new AbortController();

async function go() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const [, kind, given] = /^#\/(run|compare)\/(.+)$/.exec(location.hash) ?? [];
  note.textContent = "";
  const title = kind === "run" ? decodeURIComponent(given) : kind === "compare" ? "comparison" : "runs";
  document.title = `${title} – NtmLab`;
  trail.replaceChildren(...(kind ? [make("a", { href: "#/" }, "runs"), " / ", title] : []));
  try {
    if (kind === "run") await run.show(main, signal, decodeURIComponent(given));
    else if (kind === "compare") await compare.show(main, signal, given);
    else await table.show(main, signal);
  } catch (fault) {
    main.replaceChildren(make("section", {}, make("p", { class: "fault" }, fault.message), make("p", {}, make("a", { href: "#/" }, "All runs"))));
  }
}

// The link that skips the head of the page is no address of the page.
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
addEventListener("hashchange", async () => { await go(); main.focus(); scrollTo(0, 0); });
go();
