const target = document.getElementById("swagger-ui");
// A module runs after the deferred bundle before it.
window.SwaggerUIBundle({
  url: target.dataset.spec,
  domNode: target,
  deepLinking: true,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
});
