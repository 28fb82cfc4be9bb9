<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

use Magento\Framework\Exception\NoSuchEntityException;
use Magento\Store\Model\StoreManagerInterface;

/**
 * Which website a store view belongs to, and which connection tells its orders.
 */
class Websites
{
    /**
     * @param StoreManagerInterface $stores
     * @param Config $config
     * @param Connection $connection
     */
    public function __construct(
        private readonly StoreManagerInterface $stores,
        private readonly Config $config,
        private readonly Connection $connection
    ) {
    }

    /**
     * The website of a store view; 0 where that was deleted.
     *
     * @param int $storeId
     * @return int
     */
    public function ofStore(int $storeId): int
    {
        try {
            return (int) $this->stores->getStore($storeId)->getWebsiteId();
        } catch (NoSuchEntityException) {
            return 0;
        }
    }

    /**
     * The websites whose orders a connection tells: those that have no other of their own and are switched on.
     *
     * @param Connection $connection
     * @return int[]
     */
    public function toldBy(Connection $connection): array
    {
        $ids = [];
        foreach ($this->stores->getWebsites(true) as $website) {
            $id = (int) $website->getId();
            if ($this->config->isEnabled($id) && $this->connection->at($id)->websiteId() === $connection->websiteId()) {
                $ids[] = $id;
            }
        }
        return $ids;
    }
}
