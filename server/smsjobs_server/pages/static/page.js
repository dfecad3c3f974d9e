"use strict";
// What every page does: a button that copies, a word when a request failed, and no news under an open question.

function copied(button) {
  const text = button.textContent;
  button.textContent = button.dataset.copied;
  button.classList.add("done");
  setTimeout(() => {
    button.textContent = text;
    button.classList.remove("done");
  }, 1500);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) {
    navigator.clipboard.writeText(button.dataset.copy).then(() => copied(button));
  }
});

function tell(text) {
  const problem = document.getElementById("problem");
  problem.textContent = text;
  problem.hidden = !text;
}

document.addEventListener("htmx:responseError", (event) => {
  const data = document.getElementById("problem").dataset;
  tell(event.detail.xhr.status === 403 ? data.refused : data.failed);
});
document.addEventListener("htmx:sendError", () => tell(document.getElementById("problem").dataset.unreachable));
document.addEventListener("htmx:afterRequest", (event) => event.detail.successful && tell(""));

// A browser permits six connections to a server, and a page that follows holds one. So a tab that nobody sees gives its
// own back, and follows again when it is seen. To htmx's extension that looks like a connection that was lost.
const sources = new Set();

htmx.createEventSource = (url) => {
  const source = new EventSource(url);
  sources.add(source);
  source.addEventListener("error", () => source.readyState === EventSource.CLOSED && sources.delete(source));
  if (document.hidden) {
    source.close();
  }
  return source;
};

document.addEventListener("visibilitychange", () => {
  for (const source of [...sources]) {
    if (document.hidden) {
      source.close();
    } else if (source.readyState === EventSource.CLOSED) {
      source.dispatchEvent(new Event("error"));
    }
  }
});

// News would replace a question that somebody is about to answer. The newest of them waits until it is closed.
const held = new Map();

document.addEventListener("htmx:sseBeforeMessage", (event) => {
  if (event.target.querySelector("details[open]")) {
    held.set(event.target, event.detail);
    event.preventDefault();
  }
});

document.addEventListener(
  "toggle",
  () => {
    for (const [part, news] of [...held]) {
      if (!part.querySelector("details[open]")) {
        held.delete(part);
        news.target.dispatchEvent(new MessageEvent(news.type, { data: news.data }));
      }
    }
  },
  true,
);
