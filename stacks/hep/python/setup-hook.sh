# What is built with this Python finds the packages among its inputs.
addPythonPath@pythonTag@() {
  addToSearchPath PYTHONPATH "$1/lib/python@pythonVersion@/site-packages"
}
addEnvHooks 0 addPythonPath@pythonTag@
