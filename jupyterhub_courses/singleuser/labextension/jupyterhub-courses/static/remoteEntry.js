// A JupyterLab extension without a build: one plugin that needs nothing of JupyterLab's packages.
// nbgrader's own plugin shows formgrader in a frame, which the hub forbids; this one has the same command, so
// nbgrader's menu and palette entries lead to a new tab. Graders only.
(() => {
  const plugin = {
    id: "jupyterhub-courses:formgrader",
    autoStart: true,
    activate: (app) => {
      const page = JSON.parse(document.getElementById("jupyter-config-data").textContent);
      if (page.coursesRole !== "grader") {
        return;
      }
      app.commands.addCommand("nbgrader:open-formgrader", {
        label: "Formgrader",
        execute: () => window.open(page.baseUrl + "formgrader", "_blank", "noopener"),
      });
    },
  };
  const module = { __esModule: true, default: plugin };
  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB["jupyterhub-courses"] = { init: async () => {}, get: async () => () => module };
})();
