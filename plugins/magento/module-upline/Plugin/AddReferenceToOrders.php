<?php

declare(strict_types=1);

namespace Upline\Commission\Plugin;

use Magento\Sales\Api\Data\OrderInterface;
use Magento\Sales\Api\Data\OrderSearchResultInterface;
use Magento\Sales\Api\OrderRepositoryInterface;
use Upline\Commission\Model\Data\Reference;
use Upline\Commission\Model\References;
use Upline\Commission\Model\Watch;

/**
 * Gives orders of the repository their extension attribute: one query, however many there are.
 */
class AddReferenceToOrders
{
    /**
     * @param References $references
     * @param Watch $watch
     */
    public function __construct(private readonly References $references, private readonly Watch $watch)
    {
    }

    /**
     * One order.
     *
     * @param OrderRepositoryInterface $subject
     * @param OrderInterface $order
     * @return OrderInterface
     * @SuppressWarnings(PHPMD.UnusedFormalParameter)
     */
    public function afterGet(OrderRepositoryInterface $subject, OrderInterface $order): OrderInterface
    {
        $this->watch->quietly(fn () => $this->add([$order]));
        return $order;
    }

    /**
     * A list of orders.
     *
     * @param OrderRepositoryInterface $subject
     * @param OrderSearchResultInterface $result
     * @return OrderSearchResultInterface
     * @SuppressWarnings(PHPMD.UnusedFormalParameter)
     */
    public function afterGetList(
        OrderRepositoryInterface $subject,
        OrderSearchResultInterface $result
    ): OrderSearchResultInterface {
        $this->watch->quietly(fn () => $this->add($result->getItems()));
        return $result;
    }

    /**
     * Adds what is known.
     *
     * @param OrderInterface[] $orders
     * @return void
     */
    private function add(array $orders): void
    {
        $ids = array_map(static fn (OrderInterface $order): int => (int) $order->getEntityId(), $orders);
        $references = $this->references->ofOrders(array_values(array_filter($ids)));
        foreach ($orders as $order) {
            $reference = $references[(int) $order->getEntityId()] ?? null;
            $extension = $order->getExtensionAttributes();
            if ($reference !== null && $extension !== null) {
                $extension->setUplineReference(new Reference($reference));
            }
        }
    }
}
