'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const n = data.points.length, axes = data.axes;
  const css = name => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
  const ranges = axes.map(a => {
    const v = a.values.filter(x => x !== null);
    let lo = Math.min(...v), hi = Math.max(...v);
    if (!(hi > lo)) { hi = lo + 1; }
    return [lo, hi];
  });
  const brush = new Map(); // axis -> [low, high], in values
  let box = null;          // of the scatter, in values
  let xa = data.x, ya = data.y;
  const text = v => v === null ? 'no data' : Math.abs(v) >= 1e5 || (v !== 0 && Math.abs(v) < 1e-3) ? v.toExponential(3) : String(+v.toPrecision(5));
  const label = (a, v) => axes[a].places ? axes[a].places[v] : text(v);
  const chosen = i => {
    for (const [a, [lo, hi]] of brush) {
      const v = axes[a].values[i];
      if (v === null || v < lo || v > hi) return false;
    }
    if (box) {
      const x = axes[xa].values[i], y = axes[ya].values[i];
      if (x === null || y === null || x < box[0] || x > box[1] || y < box[2] || y > box[3]) return false;
    }
    return true;
  };
  const lines = document.getElementById('lines'), dots = document.getElementById('dots');
  const open = canvas => {
    const w = canvas.clientWidth, h = +canvas.getAttribute('data-h'), r = window.devicePixelRatio || 1;
    canvas.width = w * r; canvas.height = h * r; canvas.style.height = h + 'px';
    const g = canvas.getContext('2d');
    g.setTransform(r, 0, 0, r, 0, 0);
    g.font = '12px sans-serif';
    return [g, w, h];
  };
  for (const c of [lines, dots]) c.setAttribute('data-h', c.getAttribute('height'));
  const place = (k, w) => data.shown.length < 2 ? w / 2 : 50 + k * (w - 110) / (data.shown.length - 1);
  // An axis whose ends lie far apart is logarithmic.
  const log = axes.map((a, k) => !a.places && ranges[k][0] > 0 && ranges[k][1] / ranges[k][0] > 30);
  const part = (a, v) => log[a] ? Math.log(v / ranges[a][0]) / Math.log(ranges[a][1] / ranges[a][0]) : (v - ranges[a][0]) / (ranges[a][1] - ranges[a][0]);
  const back = (a, f) => log[a] ? ranges[a][0] * Math.pow(ranges[a][1] / ranges[a][0], f) : ranges[a][0] + f * (ranges[a][1] - ranges[a][0]);
  const up = (a, v, h) => h - 30 - part(a, v) * (h - 70);
  const down = (a, y, h) => back(a, (h - 30 - y) / (h - 70));
  const drawLines = () => {
    const [g, w, h] = open(lines);
    const draw = (i, colour, alpha) => {
      g.strokeStyle = colour; g.globalAlpha = alpha; g.beginPath();
      data.shown.forEach((a, k) => {
        const v = axes[a].values[i];
        if (v === null) return;
        const x = place(k, w), y = up(a, v, h);
        k ? g.lineTo(x, y) : g.moveTo(x, y);
      });
      g.stroke();
    };
    const all = brush.size === 0 && !box;
    for (let i = 0; i < n; i++) if (!chosen(i)) draw(i, css('faint'), 0.15);
    for (let i = 0; i < n; i++) if (chosen(i)) draw(i, css('comp'), all ? 0.35 : 0.8);
    g.globalAlpha = 1;
    data.shown.forEach((a, k) => {
      const x = place(k, w);
      g.strokeStyle = css('ink'); g.beginPath(); g.moveTo(x, 40); g.lineTo(x, h - 30); g.stroke();
      if (brush.has(a)) {
        const [lo, hi] = brush.get(a);
        g.fillStyle = css('net'); g.globalAlpha = 0.45;
        g.fillRect(x - 5, up(a, hi, h), 10, Math.max(3, up(a, lo, h) - up(a, hi, h)));
        g.globalAlpha = 1;
      }
      g.fillStyle = css('ink'); g.textAlign = k === 0 ? 'left' : k === data.shown.length - 1 ? 'right' : 'center';
      const tx = k === 0 ? x - 45 : k === data.shown.length - 1 ? x + 55 : x;
      g.fillText(axes[a].name.slice(0, 26), tx, k % 2 ? 28 : 14);
      g.fillStyle = css('mut'); g.textAlign = 'left';
      g.fillText(label(a, ranges[a][1]).slice(0, 14), x + 6, 46);
      g.fillText(label(a, ranges[a][0]).slice(0, 14), x + 6, h - 34);
    });
  };
  const sx = (v, w) => 60 + part(xa, v) * (w - 90);
  const sy = (v, h) => h - 40 - part(ya, v) * (h - 60);
  const drawDots = () => {
    const [g, w, h] = open(dots);
    g.strokeStyle = css('rule'); g.fillStyle = css('mut');
    for (let t = 0; t <= 4; t++) {
      const vx = back(xa, t / 4), vy = back(ya, t / 4);
      g.beginPath(); g.moveTo(60, sy(vy, h)); g.lineTo(w - 30, sy(vy, h)); g.stroke();
      g.textAlign = 'right'; g.fillText(axes[ya].places ? label(ya, Math.round(vy)).slice(0, 8) : text(vy), 55, sy(vy, h) + 4);
      g.textAlign = 'center'; g.fillText(axes[xa].places ? label(xa, Math.round(vx)).slice(0, 12) : text(vx), sx(vx, w), h - 22);
    }
    for (const pass of [false, true]) for (let i = 0; i < n; i++) {
      const x = axes[xa].values[i], y = axes[ya].values[i];
      if (x === null || y === null || chosen(i) !== pass) continue;
      g.fillStyle = css(pass ? 'comp' : 'faint'); g.globalAlpha = pass ? 0.85 : 0.25;
      g.beginPath(); g.arc(sx(x, w), sy(y, h), 3.5, 0, 7); g.fill();
    }
    g.globalAlpha = 1;
    if (box) { g.strokeStyle = css('net'); g.strokeRect(sx(box[0], w), sy(box[3], h), sx(box[1], w) - sx(box[0], w), sy(box[2], h) - sy(box[3], h)); }
  };
  const rows = document.getElementById('rows');
  const list = () => {
    let shown = 0, total = 0;
    rows.textContent = '';
    const cell = (tr, kind, s) => { const c = document.createElement(kind); c.textContent = s; tr.appendChild(c); };
    const head = rows.createTHead().insertRow();
    cell(head, 'th', 'point');
    for (const a of data.shown) cell(head, 'th', axes[a].name);
    const body = rows.createTBody();
    for (let i = 0; i < n; i++) {
      if (!chosen(i)) continue;
      total++;
      if (shown++ >= 50) continue;
      const tr = body.insertRow();
      cell(tr, 'td', data.points[i]);
      for (const a of data.shown) cell(tr, 'td', axes[a].values[i] === null ? 'no data' : label(a, axes[a].values[i]));
    }
    document.getElementById('count').textContent = total + ' of ' + n + ' selected' + (total > 50 ? ', 50 listed' : '');
  };
  const draw = () => { drawLines(); drawDots(); list(); };
  let start = null;
  const at = (canvas, e) => { const r = canvas.getBoundingClientRect(); return [e.clientX - r.left, e.clientY - r.top]; };
  lines.addEventListener('pointerdown', e => {
    const [x, y] = at(lines, e), w = lines.clientWidth;
    let k = 0;
    data.shown.forEach((a, j) => { if (Math.abs(place(j, w) - x) < Math.abs(place(k, w) - x)) k = j; });
    start = [data.shown[k], y];
    lines.setPointerCapture(e.pointerId);
  });
  lines.addEventListener('pointermove', e => {
    if (!start) return;
    const y = at(lines, e)[1], h = +lines.getAttribute('data-h'), a = start[0];
    if (Math.abs(y - start[1]) < 4) brush.delete(a);
    else { const v = [down(a, y, h), down(a, start[1], h)].sort((p, q) => p - q); brush.set(a, v); }
    draw();
  });
  lines.addEventListener('pointerup', e => { if (start && Math.abs(at(lines, e)[1] - start[1]) < 4) brush.delete(start[0]); start = null; draw(); });
  dots.addEventListener('pointerdown', e => { start = at(dots, e); dots.setPointerCapture(e.pointerId); });
  dots.addEventListener('pointermove', e => {
    if (!start || start.length !== 2) return;
    const [x, y] = at(dots, e), w = dots.clientWidth, h = +dots.getAttribute('data-h');
    const vx = p => back(xa, (p - 60) / (w - 90));
    const vy = p => back(ya, (h - 40 - p) / (h - 60));
    box = Math.abs(x - start[0]) < 4 ? null : [Math.min(vx(x), vx(start[0])), Math.max(vx(x), vx(start[0])), Math.min(vy(y), vy(start[1])), Math.max(vy(y), vy(start[1]))];
    draw();
  });
  dots.addEventListener('pointerup', () => { start = null; });
  for (const [id, set, now] of [['x', v => { xa = v; }, xa], ['y', v => { ya = v; }, ya]]) {
    const s = document.getElementById(id);
    axes.forEach((a, k) => { const o = document.createElement('option'); o.value = k; o.textContent = a.name; o.selected = k === now; s.appendChild(o); });
    s.addEventListener('change', () => { set(+s.value); box = null; draw(); });
  }
  document.getElementById('all').addEventListener('click', () => { brush.clear(); box = null; draw(); });
  window.addEventListener('resize', draw);
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  draw();
})();
