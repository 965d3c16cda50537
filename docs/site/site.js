// Search over the titles and words of all pages; the index is a script, so that it works from a folder without a server.
const root = document.documentElement.dataset.root;
const box = document.querySelector("#search");
const found = document.querySelector("#found");
const contents = document.querySelector("#contents");
const most = 30;

// Titles count before words, and beginnings before what stands within.
function rank(entry, words) {
    const title = entry.title.toLowerCase();
    const text = `${title} ${entry.headings} ${entry.content}`.toLowerCase();
    if (!words.every(word => text.includes(word))) {
        return 0;
    }

    return words.every(word => title.includes(word)) ? (title.startsWith(words[0]) ? 3 : 2) : 1;
}

function search() {
    const words = box.value.toLowerCase().split(/\s+/).filter(word => word);
    const results = words.length === 0 ? [] : siteIndex
        .map(entry => ({ entry, rank: rank(entry, words) }))
        .filter(result => result.rank > 0)
        .sort((a, b) => b.rank - a.rank || a.entry.title.localeCompare(b.entry.title))
        .slice(0, most);
    found.replaceChildren(...results.map(({ entry }) => {
        const item = document.createElement("li");
        const link = document.createElement("a");
        item.className = "nav-item";
        link.className = "nav-link";
        link.href = root + entry.uri;
        link.textContent = entry.title;
        item.append(link);
        return item;
    }));
    if (words.length > 0 && results.length === 0) {
        const none = document.createElement("li");
        none.textContent = "Nothing has all of these words.";
        found.append(none);
    }

    found.hidden = words.length === 0;
    contents.hidden = words.length > 0;
}

box.addEventListener("input", search);
