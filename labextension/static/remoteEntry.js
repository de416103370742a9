// Figures in JupyterLab with their alternative text, for those who listen to the page.
//
// JupyterLab draws an output's picture and leaves out the text that the output's metadata hold for it
// (https://github.com/jupyter/enhancement-proposals/issues/120). Here its own renderer draws the picture as before,
// and the text is added. What a bundler would write around these few lines, a module federation container, is written
// by hand, so that nothing has to be built.

(() => {
  let shared; // JupyterLab's packages: {name: {version: {get}}}

  const load = async (name) => (await Object.values(shared[name])[0].get())();

  const describing = (factory) => ({
    ...factory,
    createRenderer(options) {
      const renderer = factory.createRenderer(options);
      const draw = renderer.renderModel.bind(renderer);
      renderer.renderModel = async (model) => {
        await draw(model);
        const text = model.metadata[options.mimeType]?.alt;
        if (text) renderer.node.querySelector("img").alt = text;
      };
      return renderer;
    },
  });

  const plugin = async () => {
    const { IRenderMimeRegistry } = await load("@jupyterlab/rendermime");
    return {
      id: "cnn-course:alternative-text",
      autoStart: true,
      requires: [IRenderMimeRegistry],
      activate: (app, registry) => registry.addFactory(describing(registry.getFactory("image/png"))),
    };
  };

  window._JUPYTERLAB ??= {};
  window._JUPYTERLAB["cnn-course"] = {
    init: (packages) => {
      shared = packages;
    },
    get: async () => {
      const module = { __esModule: true, default: await plugin() };
      return () => module;
    },
  };
})();
