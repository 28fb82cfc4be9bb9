<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

use Magento\Framework\Exception\InputException;
use Magento\Framework\Exception\LocalizedException;
use Magento\Integration\Api\IntegrationServiceInterface;
use Magento\Integration\Api\OauthServiceInterface;
use Magento\Integration\Model\Integration;
use Magento\Store\Model\StoreManagerInterface;
use Upline\Commission\Domain\Invitation;

/**
 * Connects the shop to a server and takes the connection back. Magento itself hands the keys of an integration to the
 * server; the server then calls ConnectionInterface, which keeps the connection.
 */
class Connector
{
    /**
     * All that the integration may: call our own routes.
     */
    private const RESOURCES = ['Upline_Commission::api'];

    /**
     * @param IntegrationServiceInterface $integrations
     * @param OauthServiceInterface $oauth
     * @param Connection $connection
     * @param Server $server
     * @param Clock $clock
     * @param StoreManagerInterface $stores
     */
    public function __construct(
        private readonly IntegrationServiceInterface $integrations,
        private readonly OauthServiceInterface $oauth,
        private readonly Connection $connection,
        private readonly Server $server,
        private readonly Clock $clock,
        private readonly StoreManagerInterface $stores
    ) {
    }

    /**
     * Begins: the server is handed keys and goes on by itself. A connection of before stays until the new one is there.
     *
     * @param string $server address of the server
     * @param string $code of one use
     * @param int $websiteId 0 for all websites
     * @return void
     * @throws LocalizedException
     */
    public function begin(string $server, string $code, int $websiteId): void
    {
        try {
            $invitation = Invitation::read($server, $code);
        } catch (\InvalidArgumentException $fault) {
            throw new InputException(__($fault->getMessage()));
        }
        $connection = $this->connection->of($websiteId);
        $endpoint = $invitation->endpoint($this->connection->installId(), $websiteId);
        $integration = $this->integration($websiteId, $endpoint, $invitation->identityLink());
        // Nothing is kept after the post: by then the server may have answered with the connection already.
        $connection->remember([
            'connect_at' => $this->clock->now(), 'connect_server' => $invitation->server,
            Connection::INTEGRATION => (int) $integration->getId(),
        ]);
        try {
            $this->post($connection, (int) $integration->getConsumerId(), $endpoint);
        } catch (LocalizedException $fault) {
            $connection->remember(['connect_at' => null]);
            throw new LocalizedException(
                __('%1 could not be reached from this shop: %2', $invitation->server, $fault->getMessage()),
                $fault
            );
        }
    }

    /**
     * How far it is: "connected", "waiting" for the server, "silent" where it did not come back, "" where nothing was
     * begun.
     *
     * @param int $websiteId
     * @return string
     */
    public function progress(int $websiteId): string
    {
        $connection = $this->connection->of($websiteId);
        $begun = (int) $connection->state('connect_at');
        if ($connection->isConnected() && (int) strtotime($connection->get('connected_at')) >= $begun) {
            return 'connected';
        }
        if ($begun === 0) {
            return '';
        }
        return $this->clock->now() - $begun < 90 ? 'waiting' : 'silent';
    }

    /**
     * Takes the connection back on both sides. What was not sent yet stays in the outbox.
     *
     * @param int $websiteId
     * @return bool whether the server was told; where it was not, it finds out
     */
    public function end(int $websiteId): bool
    {
        $connection = $this->connection->of($websiteId);
        // A copy of a shop has its secret too: the connection is the original's, and stays.
        $told = !$connection->isElsewhere()
            && $this->server->call('disconnect', ['reason' => 'admin'], 10.0, $connection)->status === 200;
        $connection->close();
        $connection->remember(['connect_at' => null, Connection::INTEGRATION => null]);
        $integration = $this->integrations->findByName($this->name($websiteId));
        if ($integration->getId()) {
            $this->integrations->delete((int) $integration->getId());
        }
        return $told;
    }

    /**
     * Lets Magento hand the keys over. It tells the address of whichever store view is the current one, in the admin
     * that of the default website; the server believes that of the website alone, as the code was made for it.
     *
     * @param Connection $connection
     * @param int $consumerId
     * @param string $endpoint
     * @return void
     * @throws LocalizedException
     */
    private function post(Connection $connection, int $consumerId, string $endpoint): void
    {
        $current = $this->stores->getStore()->getId();
        try {
            if ($connection->websiteId() !== 0) {
                $this->stores->setCurrentStore($connection->store()->getId());
            }
            $this->oauth->postToConsumer($consumerId, $endpoint);
        } finally {
            $this->stores->setCurrentStore($current);
        }
    }

    /**
     * The integration, made or made ready again.
     *
     * @param int $websiteId
     * @param string $endpoint
     * @param string $identityLink
     * @return Integration
     */
    private function integration(int $websiteId, string $endpoint, string $identityLink): Integration
    {
        $data = [
            'name' => $this->name($websiteId), 'endpoint' => $endpoint, 'identity_link_url' => $identityLink,
            'all_resources' => 0, 'resource' => self::RESOURCES,
        ];
        $held = $this->integrations->findByName($data['name']);
        if (!$held->getId()) {
            return $this->integrations->create($data);
        }
        $this->oauth->deleteIntegrationToken((int) $held->getConsumerId());
        return $this->integrations->update(
            ['integration_id' => (int) $held->getId(), 'status' => Integration::STATUS_INACTIVE] + $data
        );
    }

    /**
     * Names of integrations are unique.
     *
     * @param int $websiteId
     * @return string
     */
    private function name(int $websiteId): string
    {
        return $websiteId === 0 ? 'Upline' : 'Upline, website ' . $websiteId;
    }
}
