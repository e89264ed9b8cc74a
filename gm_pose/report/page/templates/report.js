'use strict';
const charts = JSON.parse(document.getElementById('charts').textContent);
const settings = { responsive: true, displaylogo: false, displayModeBar: false };
for (const [name, chart] of Object.entries(charts)) {
  Plotly.newPlot(`chart-${name}`, chart.data, chart.layout, settings);
}

// Cards of people: all filters must agree.
const form = document.getElementById('filters');
const cards = [...document.querySelectorAll('.card')];
function filterCards() {
  const wanted = Object.fromEntries(new FormData(form));
  let shown = 0;
  for (const card of cards) {
    const errors = JSON.parse(card.dataset.errors);
    const kinds = wanted.kind ? [wanted.kind] : Object.keys(errors);
    const fits = (!wanted.group || card.dataset.group === wanted.group)
      && (!wanted.size || card.dataset.size === wanted.size)
      && Number(card.dataset.labelled) >= Number(wanted.labelled || 0)
      && (!wanted.kind || wanted.kind in errors)
      && (!wanted.joint || kinds.some((kind) => errors[kind].includes(wanted.joint)));
    card.hidden = !fits;
    shown += fits;
  }
  document.getElementById('shown').textContent = `${shown} shown`;
}
form.addEventListener('input', filterCards);
form.addEventListener('submit', (event) => event.preventDefault());
filterCards();

// Tables sorted by a click: numbers by their first number, which stands before the interval.
for (const table of document.querySelectorAll('.sortable')) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.addEventListener('click', () => {
    const descending = head.getAttribute('aria-sort') !== 'descending';
    heads.forEach((other) => other.removeAttribute('aria-sort'));
    head.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
    const key = (row) => {
      const text = row.cells[column].textContent;
      return head.classList.contains('n') ? parseFloat(text) : text;
    };
    const rows = [...table.tBodies[0].rows];
    rows.sort((a, b) => {
      const [x, y] = descending ? [key(b), key(a)] : [key(a), key(b)];
      return typeof x === 'string' ? x.localeCompare(y) : x - y;
    });
    table.tBodies[0].append(...rows);
  }));
}

// On paper every chart has the paper's width and every table is open.
window.addEventListener('beforeprint', () => {
  document.querySelectorAll('details').forEach((part) => { part.open = true; });
  document.querySelectorAll('.plot').forEach((chart) => Plotly.Plots.resize(chart));
});
