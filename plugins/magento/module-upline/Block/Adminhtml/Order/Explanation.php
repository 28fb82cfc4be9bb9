<?php

declare(strict_types=1);

namespace Upline\Commission\Block\Adminhtml\Order;

use Magento\Backend\Block\Template;
use Magento\Backend\Block\Template\Context;
use Magento\Sales\Api\Data\OrderInterface;
use Magento\Sales\Api\OrderRepositoryInterface;
use Upline\Commission\Model\Choice;
use Upline\Commission\Model\Connection;
use Upline\Commission\Model\Outbox;
use Upline\Commission\Model\References;
use Upline\Commission\Model\Response;
use Upline\Commission\Model\Server;

/**
 * Who was paid for an order, and why; its deliveries; and whose sale it is, to be changed with a reason.
 */
class Explanation extends Template
{
    /**
     * Seconds that the tab waits for the server.
     */
    private const PATIENCE = 4.0;

    /**
     * @var string
     */
    protected $_template = 'Upline_Commission::order/explanation.phtml';

    /**
     * @param Context $context
     * @param OrderRepositoryInterface $orders
     * @param Connection $connection
     * @param Server $server
     * @param Outbox $outbox
     * @param References $references
     * @param array<string, mixed> $data
     */
    public function __construct(
        Context $context,
        private readonly OrderRepositoryInterface $orders,
        private readonly Connection $connection,
        private readonly Server $server,
        private readonly Outbox $outbox,
        private readonly References $references,
        array $data = []
    ) {
        parent::__construct($context, $data);
    }

    /**
     * The order that is shown.
     *
     * @return OrderInterface
     */
    public function getOrder(): OrderInterface
    {
        return $this->orders->get((int) $this->getRequest()->getParam('order_id'));
    }

    /**
     * The connection that tells it.
     *
     * @return Connection
     */
    public function getConnection(): Connection
    {
        $store = $this->_storeManager->getStore($this->getOrder()->getStoreId());
        return $this->connection->at((int) $store->getWebsiteId());
    }

    /**
     * What Upline says of the order; docs/plugin-protocol.md, section 6.
     *
     * @return Response
     */
    public function ask(): Response
    {
        return $this->server->call(
            'explanation',
            ['order_id' => (string) $this->getOrder()->getEntityId()],
            self::PATIENCE,
            $this->getConnection()
        );
    }

    /**
     * Its newest deliveries.
     *
     * @return array<int, array<string, mixed>>
     */
    public function getDeliveries(): array
    {
        return $this->outbox->ofOrder((int) $this->getOrder()->getEntityId(), 10);
    }

    /**
     * Whose sale it is, as far as the shop knows.
     *
     * @return array<string, mixed>
     */
    public function getReference(): array
    {
        $id = (int) $this->getOrder()->getEntityId();
        return $this->references->ofOrders([$id])[$id] ?? [];
    }

    /**
     * Whether whoever is signed in may choose the distributor.
     *
     * @return bool
     */
    public function mayChoose(): bool
    {
        return $this->_authorization->isAllowed(Choice::RESOURCE);
    }

    /**
     * What the picker's script needs, as JSON.
     *
     * @return string
     */
    public function getPickerJson(): string
    {
        return (string) json_encode(['Upline_Commission/js/picker' => [
            'search' => $this->getUrl('upline/order/distributors', ['website' => $this->getConnection()->websiteId()]),
        ]], JSON_HEX_TAG | JSON_HEX_AMP | JSON_HEX_APOS);
    }
}
