// The form of this page sends itself, once; its button is for browsers without script.
"use strict";

document.getElementById("sending").submit();
