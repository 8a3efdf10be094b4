# Three stages: what builds the pages stays behind, and so does what only tests need.
FROM node:24-bookworm-slim AS pages
WORKDIR /portico
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build

FROM node:24-bookworm-slim AS packages
WORKDIR /portico
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM node:24-bookworm-slim
ENV NODE_ENV=production DATA_FOLDER=/data
WORKDIR /portico
COPY --from=packages /portico/node_modules node_modules
COPY --from=pages /portico/build build
COPY package.json LICENSE ./
COPY src src
COPY lib lib
COPY emails emails
COPY migrations migrations
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
	CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "src/server.ts"]
