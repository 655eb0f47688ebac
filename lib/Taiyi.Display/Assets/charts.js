(function () {
  // Charts wait in window.taiyiCharts, whether they come before or after this script; each replaces its drawing by a living chart.
  var charts = window.taiyiCharts = window.taiyiCharts || [];
  var plotly = null;

  function colors(host) {
    var text = getComputedStyle(host).color;
    return { 'font.color': text };
  }

  function drawInto(host, figure) {
    var still = host.firstElementChild, living = document.createElement('div');
    var layout = JSON.parse(JSON.stringify(figure.layout));
    layout.font = Object.assign({ family: 'system-ui,sans-serif', size: 12 }, layout.font, { color: getComputedStyle(host).color });
    host.dataset.drawn = '1';
    host.appendChild(living);
    plotly.newPlot(living, JSON.parse(JSON.stringify(figure.data)), layout, { displayModeBar: false }).then(function () {
      still.style.display = 'none';
    }, function () {
      host.removeChild(living); // a kind of chart that this bundle lacks: the drawing stays
    });
  }

  function draw() {
    if (!plotly) { return; }
    charts.forEach(function (chart) {
      document.querySelectorAll('[data-taiyi-chart="' + chart.id + '"]:not([data-drawn])').forEach(function (host) { drawInto(host, chart.figure); });
    });
  }

  // The text's colour follows the page when it turns dark or light.
  function repaint() {
    document.querySelectorAll('[data-taiyi-chart][data-drawn] .js-plotly-plot').forEach(function (living) {
      plotly.relayout(living, colors(living.parentElement));
    });
  }

  function start(code) {
    var others = window.Plotly, script = document.createElement('script');
    // Loaders of modules (require.js in exported pages) must not catch it.
    script.textContent = '(function(define,module,exports){' + code + '\n}).call(window);';
    document.head.appendChild(script);
    plotly = window.Plotly;
    if (others) { window.Plotly = others; }
    window.taiyiDraw = function () { draw(); setTimeout(draw, 100); };
    window.taiyiDraw();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint);
    new MutationObserver(repaint).observe(document.body, { attributes: true });
  }

  if (window.taiyiDraw || window.taiyiLoading) { return; }
  window.taiyiLoading = true;
  var packed = Uint8Array.from(atob('PLOTLY_GZIP_BASE64'), function (letter) { return letter.charCodeAt(0); });
  new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'))).text().then(start);
})();
