"use strict";
// What every page does: a button that copies, and a word when a request failed.

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
