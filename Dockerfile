# Serves a model over HTTP, as `mlflow models serve` does. It is built from a logged model alone, with the versions that the model names:
#   mlflow artifacts download -u models:/digits@champion -d model
#   docker build --tag digits . && docker run --publish 5001:5001 digits
FROM python:3.12-slim
COPY model /model
RUN pip install --no-cache-dir --requirement /model/requirements.txt
EXPOSE 5001
CMD ["mlflow", "models", "serve", "--model-uri", "/model", "--env-manager", "local", "--host", "0.0.0.0", "--port", "5001"]
