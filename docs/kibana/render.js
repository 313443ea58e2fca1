// render.js MODULES PAGE: MODULES/spec.json through Vega-Lite and Vega to an HTML page with an SVG.
// What Vega-Lite warns of, other than empty layers, ends it.
const fs = require('fs');
const [modules, page] = process.argv.slice(2);
const vega = require(`${modules}/node_modules/vega`);
const vegaLite = require(`${modules}/node_modules/vega-lite`);

const warnings = [];
const logger = {level: () => logger, info: () => logger, debug: () => logger};
logger.warn = logger.error = (...words) => { warnings.push(words.join(' ')); return logger; };

const spec = JSON.parse(fs.readFileSync(`${modules}/spec.json`));
const view = new vega.View(vega.parse(vegaLite.compile(spec, {logger}).spec),
                           {logger, renderer: 'none'});
view.runAsync().then(() => view.toSVG()).then((svg) => {
  const real = warnings.filter((each) => !each.startsWith('Infinite extent'));
  if (real.length) throw new Error(real.join('\n'));
  fs.writeFileSync(page, `<body style="margin:4px;background:#fff">${svg}</body>`);
}).catch((error) => { console.error(error); process.exit(1); });
