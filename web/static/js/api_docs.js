const target = document.getElementById("swagger-ui");
// A module runs after the deferred bundle before it.
window.SwaggerUIBundle({
  url: target.dataset.spec,
  domNode: target,
  deepLinking: true,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
  // Who tries the API here is signed in by the cookie, beside which every change needs this.
  requestInterceptor: (request) => {
    request.headers["X-CSRFToken"] = target.dataset.csrfToken;
    return request;
  },
});
