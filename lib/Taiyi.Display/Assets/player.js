(function () {
  // Turns each film strip that is not one yet into a player: one frame at a time, a slider and a play button.
  function makePlayer(host) {
    var frames = Array.prototype.slice.call(host.querySelectorAll('figure[data-frame]'));
    var wanted = Number(host.dataset.width), period = Number(host.dataset.taiyiPlayer), shown = 0, timer = null;
    frames.forEach(function (frame) {
      var image = frame.querySelector('img'), caption = frame.querySelector('figcaption');
      var width = image.naturalWidth || Number(image.getAttribute('width')), height = image.naturalHeight || Number(image.getAttribute('height'));
      var zoom = Math.max(1, Math.round(wanted / width));
      image.style.width = width * zoom + 'px';
      image.style.height = height * zoom + 'px';
      image.style.imageRendering = zoom > 1 ? 'pixelated' : 'auto';
      frame.style.margin = '0';
      if (caption) { caption.style.maxWidth = 'none'; }
    });

    function element(name, style) {
      var made = document.createElement(name);
      made.style.cssText = style;
      return made;
    }

    var bar = element('div', 'display:flex;align-items:center;gap:8px;max-width:420px;margin:6px 0 10px;font:12px system-ui,sans-serif');
    var button = element('button', 'min-width:34px;height:26px;cursor:pointer;color:inherit;background:transparent;border:1px solid rgba(128,128,128,.6);border-radius:4px');
    var slider = element('input', 'flex:1;min-width:120px;accent-color:#4c8bf5');
    var count = element('span', 'min-width:52px;text-align:right;font-variant-numeric:tabular-nums');
    slider.type = 'range';
    slider.min = 0;
    slider.max = frames.length - 1;
    slider.setAttribute('aria-label', 'frame');

    function show(index) {
      shown = index;
      frames.forEach(function (frame, i) { frame.style.display = i === index ? 'inline-block' : 'none'; });
      slider.value = index;
      count.textContent = (index + 1) + ' / ' + frames.length;
    }

    function stop() {
      clearInterval(timer);
      timer = null;
      button.textContent = '▶';
      button.setAttribute('aria-label', 'play');
    }

    function play() {
      if (shown === frames.length - 1) { show(0); }
      button.textContent = '❚❚';
      button.setAttribute('aria-label', 'pause');
      timer = setInterval(function () {
        if (shown === frames.length - 1 || !document.contains(host)) { stop(); } else { show(shown + 1); }
      }, period);
    }

    button.onclick = function () { if (timer) { stop(); } else { play(); } };
    slider.oninput = function () { stop(); show(Number(slider.value)); };
    bar.appendChild(button);
    bar.appendChild(slider);
    bar.appendChild(count);
    host.appendChild(bar);
    stop();
    show(0);
  }

  function makeAll() {
    document.querySelectorAll('[data-taiyi-player]:not([data-ready])').forEach(function (host) {
      host.dataset.ready = '1';
      var images = Array.prototype.slice.call(host.querySelectorAll('img'));
      // The true size of a frame is known once it is decoded.
      Promise.all(images.map(function (image) { return image.decode().catch(function () { }); })).then(function () { makePlayer(host); });
    });
  }

  makeAll();
  setTimeout(makeAll, 100); // some front ends run the script before its markup is in the page
})();
