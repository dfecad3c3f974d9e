"use strict";
// The newest message stays in sight, unless somebody reads further up; a form that has acted is emptied or closed.

const talk = () => document.getElementById("talk");
let atEnd = true;

function toEnd() {
  if (talk()) {
    talk().scrollTop = talk().scrollHeight;
  }
}

document.addEventListener("DOMContentLoaded", toEnd);
document.addEventListener("htmx:beforeSwap", (event) => {
  const box = talk();
  if (event.detail.target === box) {
    atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  }
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target === talk() && atEnd) {
    toEnd();
  }
});
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target.closest("form");
  if (!form || !event.detail.successful) {
    return;
  }
  if (form.dataset.empties) {
    form.elements[form.dataset.empties].value = "";
  }
  if (form.dataset.closes) {
    document.getElementById(form.dataset.closes).open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    document.querySelectorAll("details.menu[open]").forEach((each) => {
      each.open = false;
      each.querySelector("summary").focus();
    });
  }
});
